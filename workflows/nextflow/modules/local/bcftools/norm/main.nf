process BCFTOOLS_NORM {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(vcf)
    tuple val(meta2), path(fasta), path(index)

    output:
    tuple val(meta), path("${prefix}.vcf.gz"), emit: vcf
    path "versions.yml", emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}.normalised"
    """
    set -o pipefail
    bcftools norm --no-version --fasta-ref ${fasta} ${args} --output-type u ${vcf} \\
        | bcftools sort --temp-dir sorting.tmp --output-type z --output ${prefix}.vcf.gz

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        bcftools: \$(bcftools --version | sed -n '1s/bcftools //p')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}.normalised"
    """
    echo | gzip > ${prefix}.vcf.gz

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        bcftools: \$(bcftools --version | sed -n '1s/bcftools //p')
    END_VERSIONS
    """
}
