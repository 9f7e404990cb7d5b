# What is made of the scores.


rule annotate:
    input:
        vcf=VCF,
        table=rules.merge.output.table,
        beside=list(beside(f"results/{TABLE}").values())[1:],
    output:
        "results/annotated.vcf.gz",
    params:
        options=config["options"]["annotate"],
    log:
        "logs/annotate.log",
    conda:
        "../envs/enformer-vep.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
    shell:
        "enformer-vep annotate {input.vcf:q} {input.table:q} -o {output:q} --overwrite {params.options} > {log:q} 2>&1"


rule report:
    input:
        table=rules.merge.output.table,
        beside=list(beside(f"results/{TABLE}").values())[1:],
        **(inputs_of_model() if config["profiles"] else {}),
    output:
        report("results/report.html", category="Scores", caption="../report/page.rst"),
    params:
        model=options_of_model() if config["profiles"] else "",
        options=config["options"]["report"],
    log:
        "logs/report.log",
    conda:
        "../envs/enformer-vep.yaml"
    threads: 4
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=120,
    shell:
        "TF_NUM_INTRAOP_THREADS={threads} enformer-vep report {input.table:q} -o {output:q} --overwrite {params.model}"
        " {params.options} > {log:q} 2>&1"
